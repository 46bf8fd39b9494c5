"""What is asked about an inventory that was declared: cancel, return, tally of a return, monthly summary."""
