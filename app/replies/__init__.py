"""What calendars answer to our invitations: the mailbox that the answers come to is read, now and then, and
nothing in it is changed. It is told what a mail says by `ical`, and tells it to `bookings`."""
