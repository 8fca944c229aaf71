"""What the lake needs and costs on AWS, from stated volumes, measured rates and dated prices."""
