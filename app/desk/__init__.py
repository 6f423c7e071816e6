"""What a host sees of bookings: the list, one booking with its timeline, the preview of a page.
It imports bookings and what lies below; the clients' side (booker) never."""
