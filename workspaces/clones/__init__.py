"""One clone an agent, and trees for checks. Git inside them runs through `ports.Inside` only."""
