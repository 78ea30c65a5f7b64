"""Fuzzing: inputs without end for every boundary, grown by the code that they reach.

``python -m tests.fuzz`` runs all boundaries, ``python -m tests.fuzz ocsp --minutes 20`` one.
"""
