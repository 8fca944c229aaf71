"""Independent plain-Python models that the Spark transforms and the warehouse SQL are held against."""
