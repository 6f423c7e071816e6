"""Measurements: `make bench`. Figures are ratios within one run as well as absolute times."""
