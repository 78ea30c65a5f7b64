"""What conversations, the bridge hub and the counter may ask of an authority, one module a concern.

Methods that take a `session` read or change records within the caller's unit of work and never
commit. Those without one check something secret: they count a try in a transaction of their own
before they compare, so they are called *outside* any unit of work.
"""
