"""Who starts runs: a person's or a program's name, or the pulse."""

PULSE = "pulse"  # its runs show what it has heard and its desk has done; what is left to do they do
