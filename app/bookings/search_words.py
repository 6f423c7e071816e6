"""What a host's search looks through: one folded text a booking, in an index of the host's bookings.

Folding when it is searched would fold each booking of the host once a search.
"""

from ..core.text import fold_for_search

# PostgreSQL takes no index row of more than 2,704 bytes, of which the index's other columns take
# about 60. Only a text of many ligatures such as ㍿ comes near it.
MOST_BYTES = 2_400
# No search has a line break in it, so none matches from one part into the next.
BETWEEN = "\n"


def search_words(name: str, email: str, title: str) -> str:
    """What is found of a booking: its client's name and address, and the agreed title, each folded
    as `fold_for_search` does, one a line."""
    folded = BETWEEN.join(map(fold_for_search, (name, email, title))).encode()
    return folded[:MOST_BYTES].decode(errors="ignore")
