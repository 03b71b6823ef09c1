"""Rules: what is found against a claim before anybody looks at its cluster, and what a claim is tagged with."""
