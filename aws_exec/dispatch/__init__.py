"""The dispatcher, which carries out effects: lanes, pacing, completions, the credentials gate."""
