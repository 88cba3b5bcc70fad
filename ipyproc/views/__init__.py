"""Pictures of jobs: the pane in the notebook, and the same in text and HTML."""
