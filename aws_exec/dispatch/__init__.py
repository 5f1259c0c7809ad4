"""Carries effects out: the dispatcher, its lanes, their pace, and the completions."""
