"""What every layer needs and nothing of the web or the database: settings, clock, text, secrets, logs,
and the errors of the outside. It imports no other package but the zone rules of i18n."""
