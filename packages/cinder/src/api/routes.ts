import type { Route } from '@hearth/http'
import { attachmentPolicies } from './attachments/policies.ts'
import { attachmentRoutes } from './attachments/routes.ts'
import { availabilityZonePolicies } from './availability-zones/policies.ts'
import { availabilityZoneRoutes } from './availability-zones/routes.ts'
import { backupPolicies } from './backups/policies.ts'
import { backupRoutes } from './backups/routes.ts'
import { defaultTypePolicies } from './default-types/policies.ts'
import { defaultTypeRoutes } from './default-types/routes.ts'
import type { ApiDeps } from './deps.ts'
import { extensionPolicies } from './extensions/policies.ts'
import { extensionRoutes } from './extensions/routes.ts'
import { groupSnapshotPolicies } from './group-snapshots/policies.ts'
import { groupSnapshotRoutes } from './group-snapshots/routes.ts'
import { groupTypePolicies } from './group-types/policies.ts'
import { groupTypeRoutes } from './group-types/routes.ts'
import { groupPolicies } from './groups/policies.ts'
import { groupRoutes } from './groups/routes.ts'
import { limitPolicies } from './limits/policies.ts'
import { limitRoutes } from './limits/routes.ts'
import { manageRoutes } from './manage/routes.ts'
import { messagePolicies } from './messages/policies.ts'
import { messageRoutes } from './messages/routes.ts'
import { basePolicies } from './policies.ts'
import { qosPolicies } from './qos/policies.ts'
import { qosRoutes } from './qos/routes.ts'
import { quotaPolicies } from './quotas/policies.ts'
import { quotaRoutes } from './quotas/routes.ts'
import { resourceFilterPolicies } from './resource-filters/policies.ts'
import { resourceFilterRoutes } from './resource-filters/routes.ts'
import { servicePolicies } from './services/policies.ts'
import { serviceRoutes } from './services/routes.ts'
import { snapshotPolicies } from './snapshots/policies.ts'
import { snapshotRoutes } from './snapshots/routes.ts'
import { transferPolicies } from './transfers/policies.ts'
import { transferRoutes } from './transfers/routes.ts'
import { typePolicies } from './types/policies.ts'
import { typeRoutes } from './types/routes.ts'
import { volumePolicies } from './volumes/policies.ts'
import { volumeRoutes } from './volumes/routes.ts'

/** All routes of the block storage API. */
export const routes: Route<ApiDeps>[] = [
  ...volumeRoutes,
  ...snapshotRoutes,
  ...attachmentRoutes,
  ...typeRoutes,
  ...qosRoutes,
  ...quotaRoutes,
  ...limitRoutes,
  ...availabilityZoneRoutes,
  ...extensionRoutes,
  ...messageRoutes,
  ...backupRoutes,
  ...transferRoutes,
  ...resourceFilterRoutes,
  ...groupRoutes,
  ...groupTypeRoutes,
  ...groupSnapshotRoutes,
  ...defaultTypeRoutes,
  ...serviceRoutes,
  ...manageRoutes,
]

/** All policies of the block storage API with their default rules. */
export const policies: Record<string, string> = {
  ...basePolicies,
  ...volumePolicies,
  ...snapshotPolicies,
  ...attachmentPolicies,
  ...typePolicies,
  ...qosPolicies,
  ...quotaPolicies,
  ...limitPolicies,
  ...availabilityZonePolicies,
  ...extensionPolicies,
  ...messagePolicies,
  ...backupPolicies,
  ...transferPolicies,
  ...resourceFilterPolicies,
  ...groupPolicies,
  ...groupTypePolicies,
  ...groupSnapshotPolicies,
  ...defaultTypePolicies,
  ...servicePolicies,
}
