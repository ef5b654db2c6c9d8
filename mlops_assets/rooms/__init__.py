"""One folder a stage; work in plain functions, the Dagster face in assets, checks and sensors."""
