"""The whole bot under the load of 2,000 people: ``python -m benchmarks.load``.

Three processes: the bot, a stand-in for Telegram whose people write whether they are answered or
not, and the one that starts both and reads the figures.
"""
