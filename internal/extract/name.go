package extract

// StateName returns the name under which the job's state is kept. Two jobs of
// one name in one directory exclude each other.
func (job *Job) StateName() string { return job.key().Name() }
