package aggregate

// Reached is reached, for a clock that jumps.
var Reached = reached
