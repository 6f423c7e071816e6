"""The database for all layers above: engines, types, transactions tried again. It knows no table."""
