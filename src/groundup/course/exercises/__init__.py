"""The exercises, one file each, at the path of their slot's id; their format is `course/exercise.py`."""
