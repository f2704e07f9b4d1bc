/* remedy.h - what an administrator can do about a failure. */
#ifndef OC_VIEW_REMEDY_H
#define OC_VIEW_REMEDY_H

#include "base/result.h"

/* One sentence for each reason that signing in, the credential or the way to the calendar server
 * can give (a test walks over them); NULL for the others, where the log says more than we could. */
const char *oc_remedy_for(oc_reason_t reason);

#endif
