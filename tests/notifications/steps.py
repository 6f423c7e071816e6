"""What several files of this folder do with the app in the same words."""

OCCASIONS = ("confirmed", "link", "cancelled")
