"""What clients see: the public page, its form, and the page of a booking that is theirs by its address.
It imports bookings and what lies below; the host's side (desk) never."""
