/* job.c - the one thing common to all jobs: being woken. */
#include "base/job.h"

void oc_job_wake(oc_job_t *job)
{
    while (job->outer) {
        job = job->outer;
    }
    if (job->wake) {
        job->wake(job);
    }
}
