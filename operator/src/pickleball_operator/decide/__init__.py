"""Pure decisions: what is observed in, a plan with reasons and sentences out."""
