"""What tests stand on: the cast and its factories, visitors, servers and whole stacks. No test is here."""
