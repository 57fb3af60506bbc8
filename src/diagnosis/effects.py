"""What a recorded change can break, by its event name (the services' API references).

CloudTrail records Lambda's and CloudFront's calls with the version of their API in the name, for instance
UpdateFunctionCode20150331v2 (Lambda developer guide, "Logging using CloudTrail") and
UpdateDistribution2020_05_31 (CloudFront developer guide, the same; newer records have it apart). The version
tells nothing here and is taken off.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from diagnosis.evidence import Change

_VERSION = re.compile(r"\d{4}_?\d{2}_?\d{2}(?:v\d+)?$")


class Effect(StrEnum):
    """What a change can break."""

    NETWORK = "network"
    ROUTING = "routing"
    HEALTH_CHECK = "health check"
    TIMEOUT = "timeout"
    REGISTRATION = "registration"
    CAPACITY = "capacity"
    CONFIGURATION = "application configuration"
    DATABASE = "database"
    PERMISSION = "permission"
    CERTIFICATE = "certificate"
    FIREWALL = "firewall"
    FUNCTION = "function"
    GATEWAY = "API gateway"
    EDGE = "edge"
    NOTHING = "nothing that serves requests"


def _by_name(names: Mapping[Effect, str]) -> dict[str, Effect]:
    return {name: effect for effect, listed in names.items() for name in listed.split()}


# Names that mean the same whoever records them.
EFFECTS: Mapping[str, Effect] = _by_name(
    {
        Effect.NETWORK: """
            RevokeSecurityGroupIngress AuthorizeSecurityGroupIngress RevokeSecurityGroupEgress
            AuthorizeSecurityGroupEgress ModifySecurityGroupRules DeleteSecurityGroup CreateNetworkAclEntry
            ReplaceNetworkAclEntry DeleteNetworkAclEntry ReplaceNetworkAclAssociation CreateRoute ReplaceRoute
            DeleteRoute ReplaceRouteTableAssociation DisassociateRouteTable ModifyNetworkInterfaceAttribute
            ModifyInstanceAttribute SetSecurityGroups DeleteNatGateway DetachInternetGateway
            DeleteVpcEndpoints ModifyVpcEndpoint DeleteVpcPeeringConnection
            ApplySecurityGroupsToLoadBalancer""",
        Effect.ROUTING: """
            ModifyListener ModifyRule CreateRule DeleteRule SetRulePriorities CreateListener DeleteListener
            ModifyListenerAttributes CreateLoadBalancerListeners DeleteLoadBalancerListeners
            SetLoadBalancerPoliciesOfListener SetLoadBalancerPoliciesForBackendServer""",
        Effect.HEALTH_CHECK: "ModifyTargetGroup ConfigureHealthCheck",
        Effect.TIMEOUT: "ModifyLoadBalancerAttributes",
        Effect.REGISTRATION: """
            RegisterTargets DeregisterTargets DeleteTargetGroup SetSubnets
            RegisterInstancesWithLoadBalancer DeregisterInstancesFromLoadBalancer AttachLoadBalancerToSubnets
            DetachLoadBalancerFromSubnets EnableAvailabilityZonesForLoadBalancer
            DisableAvailabilityZonesForLoadBalancer AttachLoadBalancerTargetGroups AttachLoadBalancers
            DetachLoadBalancerTargetGroups DetachLoadBalancers DetachTrafficSources""",
        Effect.CAPACITY: """
            TerminateInstances StopInstances TerminateInstanceInAutoScalingGroup SetDesiredCapacity
            UpdateAutoScalingGroup DetachInstances EnterStandby BidEvictedEvent RunInstances SuspendProcesses
            StartInstanceRefresh RebootInstances CreateFleet RegisterScalableTarget
            DeregisterScalableTarget""",
        Effect.CONFIGURATION: """
            PutParameter DeleteParameter DeleteParameters PutSecretValue UpdateSecret RotateSecret
            DeleteSecret RestoreSecret UpdateSecretVersionStage StartConfigurationSession StartDeployment
            CreateHostedConfigurationVersion ChangeResourceRecordSets SendCommand""",
        Effect.DATABASE: """
            ModifyDBInstance RebootDBInstance FailoverDBCluster ModifyDBCluster ModifyDBParameterGroup
            ModifyDBClusterParameterGroup StopDBInstance DeleteDBInstance ModifyCacheCluster
            ModifyReplicationGroup RebootCacheCluster UpdateTable DeleteTable
            RestoreDBInstanceFromDBSnapshot""",
        Effect.PERMISSION: """
            PutRolePolicy DeleteRolePolicy DetachRolePolicy AttachRolePolicy UpdateAssumeRolePolicy
            PutRolePermissionsBoundary DeleteRole CreatePolicyVersion DeletePolicyVersion
            SetDefaultPolicyVersion DisassociateIamInstanceProfile ReplaceIamInstanceProfileAssociation
            PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutBucketPublicAccessBlock
            PutBucketOwnershipControls PutKeyPolicy DisableKey ScheduleKeyDeletion RevokeGrant
            PutResourcePolicy DeleteResourcePolicy
            UpdateUserPool UpdateUserPoolClient DeleteUserPoolClient UpdateIdentityProvider
            DeleteIdentityProvider DeleteUserPoolClientSecret""",
        Effect.CERTIFICATE: """
            ImportCertificate DeleteCertificate RenewCertificate RevokeCertificate AddListenerCertificates
            RemoveListenerCertificates SetLoadBalancerListenerSSLCertificate UploadServerCertificate
            UpdateServerCertificate DeleteServerCertificate ModifyTrustStore AddTrustStoreRevocations
            DeleteTrustStore""",
        Effect.FIREWALL: """
            UpdateWebACL UpdateRuleGroup UpdateIPSet UpdateRegexPatternSet AssociateWebACL DisassociateWebACL
            DeleteWebACL PutManagedRuleSetVersions UpdateManagedRuleSetVersionExpiryDate""",
    }
)

# Services whose names others use too (an API of API Gateway has routes and deployments as well).
OF_SERVICE: Mapping[str, Mapping[str, Effect]] = {
    "apigateway": _by_name(
        {
            Effect.GATEWAY: """
                CreateDeployment UpdateDeployment DeleteDeployment CreateStage UpdateStage DeleteStage
                PutRestApi UpdateRestApi DeleteRestApi UpdateApi ReimportApi DeleteApi
                CreateRoute UpdateRoute DeleteRoute DeleteRouteSettings CreateRouteResponse
                CreateIntegration PutIntegration UpdateIntegration DeleteIntegration PutIntegrationResponse
                UpdateIntegrationResponse DeleteIntegrationResponse PutMethod UpdateMethod DeleteMethod
                PutMethodResponse UpdateMethodResponse DeleteMethodResponse UpdateResource DeleteResource
                CreateAuthorizer UpdateAuthorizer DeleteAuthorizer UpdateRequestValidator UpdateModel
                PutGatewayResponse UpdateGatewayResponse DeleteGatewayResponse
                UpdateUsagePlan DeleteUsagePlan DeleteUsagePlanKey UpdateUsage UpdateApiKey DeleteApiKey
                UpdateDomainName DeleteDomainName CreateBasePathMapping UpdateBasePathMapping
                DeleteBasePathMapping CreateApiMapping UpdateApiMapping DeleteApiMapping PutRoutingRule
                UpdateVpcLink DeleteVpcLink UpdateAccount DeleteCorsConfiguration""",
        }
    ),
    "lambda": _by_name(
        {
            Effect.FUNCTION: """
                UpdateFunctionCode UpdateFunctionConfiguration UpdateAlias DeleteAlias DeleteFunction
                PutFunctionConcurrency DeleteFunctionConcurrency PutProvisionedConcurrencyConfig
                DeleteProvisionedConcurrencyConfig PutRuntimeManagementConfig DeleteLayerVersion
                PutFunctionScalingConfig""",
            Effect.PERMISSION: """
                AddPermission RemovePermission RemoveLayerVersionPermission PutResourcePolicy
                DeleteResourcePolicy UpdateFunctionUrlConfig DeleteFunctionUrlConfig""",
            Effect.NOTHING: "PublishVersion PublishLayerVersion TagResource UntagResource",
        }
    ),
    "cloudfront": _by_name(
        {
            Effect.EDGE: """
                UpdateDistribution UpdateDistributionWithStagingConfig UpdateDistributionTenant
                UpdateContinuousDeploymentPolicy PublishFunction DeleteFunction UpdateKeyValueStore
                UpdateCachePolicy UpdateOriginRequestPolicy UpdateResponseHeadersPolicy
                UpdateOriginAccessControl DeleteOriginAccessControl UpdateCloudFrontOriginAccessIdentity
                DeleteCloudFrontOriginAccessIdentity UpdateVpcOrigin DeleteVpcOrigin UpdateKeyGroup
                UpdatePublicKey UpdateFieldLevelEncryptionConfig AssociateAlias CreateInvalidation""",
            Effect.FIREWALL: "AssociateDistributionWebACL DisassociateDistributionWebACL",
            Effect.NOTHING: "UpdateFunction TestFunction TagResource UntagResource",
        }
    ),
    "ecs": _by_name(
        {
            Effect.CAPACITY: """
                UpdateService DeleteService StopTask UpdateContainerInstancesState DeregisterContainerInstance
                UpdateCapacityProvider PutClusterCapacityProviders DeleteCapacityProvider""",
            Effect.NOTHING: "RegisterTaskDefinition TagResource UntagResource PutAccountSetting",
        }
    ),
}

# Labels, watching and logging: whatever they name serves requests as before. The attributes of target groups
# are slow start, stickiness and the like, which make no errors by themselves.
INNOCENT = _by_name(
    {
        Effect.NOTHING: """
            AddTags RemoveTags CreateTags DeleteTags TagResource UntagResource TagResources UntagResources
            TagRole TagPolicy AddTagsToResource RemoveTagsFromResource AddTagsToCertificate
            CreateOrUpdateTags PutBucketTagging TagLogGroup PutDashboard DeleteDashboards PutMetricAlarm
            DeleteAlarms EnableAlarmActions DisableAlarmActions PutCompositeAlarm PutAnomalyDetector
            PutInsightRule PutLoggingConfiguration PutMetricFilter PutSubscriptionFilter PutQueryDefinition
            ModifyTargetGroupAttributes"""
    }
)


def bare_name(event_name: str) -> str:
    """The name of the call without the version of its API."""
    return _VERSION.sub("", event_name)


def service_of(change: Change) -> str:
    """The service that recorded it: lambda, for lambda.amazonaws.com."""
    return change.source.partition(".")[0]


def effect_of(change: Change) -> Effect | None:
    """What the change can break, NOTHING if it is known to be harmless; None if nothing is known of it."""
    name, own = bare_name(change.name), OF_SERVICE.get(service_of(change))
    if name == "ModifyTargetGroupAttributes" and _of_function(change):
        return Effect.FUNCTION
    known = EFFECTS.get(name) if own is None else own.get(name)
    return known or INNOCENT.get(name)


def _of_function(change: Change) -> bool:
    """Whether what a function is asked and must answer was changed: headers with one value or with several
    (ALB user guide, Lambda functions as targets).
    """
    attributes = change.parameters.get("attributes")
    named = attributes if isinstance(attributes, Sequence) and not isinstance(attributes, str) else ()
    return any(isinstance(each, Mapping) and str(each.get("key", "")).startswith("lambda.") for each in named)
