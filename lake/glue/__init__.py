"""Runs of jobs on Glue, from outside: started, watched, and their logs read."""
