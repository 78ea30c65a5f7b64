"""`kaika counter`: the counter of the embedded authority on the command line."""
