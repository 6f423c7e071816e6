"""One file an occasion: whom it is for, when it is due, when it is overtaken, its subject. A new kind of
mail is a file here, its template `mail/<name>.txt`, and the words of both in the catalogue."""

from importlib import import_module
from pkgutil import iter_modules

from ...bookings import occasions

# In the order of their names, and so of a booking's tasks that are planned at once.
for _module in sorted(iter_modules(__path__), key=lambda found: found.name):
    occasions.register(import_module(f"{__name__}.{_module.name}").OCCASION)
