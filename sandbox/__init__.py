"""A stand-in Zoom and a mail inbox, over real HTTP and SMTP: `python -m sandbox`.

It lets CalSync be tried and tested without a Zoom account. The product never imports it and
it never imports the product; the two know each other by their addresses alone.
"""

import zoneinfo

# The pinned zone rules decide here as in the product, not the machine's.
zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()
