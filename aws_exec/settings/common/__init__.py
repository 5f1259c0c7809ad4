"""What the options and requests of every service share."""
