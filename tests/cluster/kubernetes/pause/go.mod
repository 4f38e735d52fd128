module example.invalid/pickleball/pause

go 1.24.0
