"""Who starts runs: a person's or a program's name, or the pulse; and how one ends that found somebody else at work."""

PULSE = "pulse"  # its runs show what it has heard and its desk has done; what is left to do they do
TURNED_AWAY = (
    "Busy"  # the name of the state in which a run ends whose shipment another worker has: it has shown nothing
)
