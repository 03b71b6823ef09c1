"""The transport's authority: who may knock at the coordinator's door. What is said there is signed by other keys."""
