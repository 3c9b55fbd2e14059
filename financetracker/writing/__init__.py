"""How people write numbers and days, each in his own locale: the ground that every app stands on."""
