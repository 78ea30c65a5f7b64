"""A third language, which only these tests have: Vietnamese, in a folder as a translator makes it.

Three entries are translated; the rest of the folder is filled up with English.
"""
