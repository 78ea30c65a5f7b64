"""Measurements of the bot: throughput, start-up and memory, search time."""
