"""Hop 1: Kafka → landing."""
