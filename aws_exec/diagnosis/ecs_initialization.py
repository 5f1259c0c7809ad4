"""The rules for what a task needs before its containers start: secrets, logs, volumes, environment files, network."""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.ecs_pull import DENIED, NETWORK
from aws_exec.diagnosis.model import Blame, TerminationRule
from aws_exec.lifecycle.policy import Replacement

#: Inside CannotStartContainerError it is about a container, and the text may be part of a command or a path.
_INIT: Final = r"(?<!CannotStartContainerError: )(?<!CannotCreateContainerError: )ResourceInitializationError.*"
# On an EC2 host the agent itself reads them, and names no category (amazon-ecs-agent: asmsecret, ssmsecret, asm).
_SECRETS: Final = (
    rf"(?:{_INIT}(?:pull secrets|registry auth|retrieve secrets?|fetch secret|from asm|from ssm|"
    r"Secrets Manager|Parameter Store|ssm parameters)|fetching secret (?:data )?from|"
    r"\b(?:asm|ssm) (?:fetching|(?:secret )?resource)|unable to create (?:asm|ssm) client|retrieve secret with value|"
    r"secretsmanager secretID|task secret data: ).*"
)
# An EC2 host reports its log driver's failure as a container that cannot start, so no category is required.
_LOGS: Final = (
    r"(?:logger args|logging driver|log driver|log router|create stream|create cloudwatch log (?:group|stream)).*"
)
_ENV_FILE: Final = r"(?:env files?|environment files?|envfile).*"
# An EC2 host mounts file systems by docker's plugins, whose errors have no category (amazon-ecs-agent: dockervolume).
_VOLUMES: Final = (
    rf"(?:{_INIT}(?:\bEFS\b|(?<![\w-])mount(?:ing|\.\w| attempt| target)|volume|\bFSx\b)|VolumeDriver\.\w+: |"
    r"\bVolumeError: |looking up volume plugin ).*"
)
#: Exceptions of AWS, not words that may stand in a name.
_THROTTLED: Final = r"(?:Throttling\w*Exception|rate exceeded|too many requests)"

RULES: Final = (
    TerminationRule(
        id="logs-firelens",
        general=("logs-failed",),
        when=r"fluentd log driver arg|no log configuration specified|(?:generate|download|invalid) firelens",
        cause="The container logs to FireLens (awsfirelens), but its log configuration is empty or wrong.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Give logConfiguration of the container the options of an output (on Fargate at least one, for example "
        "Name), and check firelensConfiguration of the log router.",
        page=pages.FIRELENS,
    ),
    TerminationRule(
        id="logs-server-unreachable",
        general=("logs-failed",),
        when=r"logging driver: (?:dial [tu]|Options http|(?:splunk|gelf|syslog|fluentd)\b)",
        cause="The container's log driver could not connect to its log server (FireLens, fluentd, syslog, Splunk).",
        blame=Blame.DEPLOYMENT,
        remedy="Check the server's address in logConfiguration, and let the container depend on it (dependsOn).",
        page=pages.FIRELENS,
    ),
    TerminationRule(
        id="logs-throttled",
        general=("logs-failed",),
        when=_LOGS + _THROTTLED,
        cause="CloudWatch Logs limits how many log streams may be made each second.",
        blame=Blame.AWS,
        remedy="Nothing, if it passes; else lower launch_rate, or have the quota of CreateLogStream raised.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="logs-unreachable",
        general=("logs-failed",),
        when=_LOGS + NETWORK,
        cause="The task's network has no path to CloudWatch Logs.",
        blame=Blame.DEPLOYMENT,
        remedy="Give the subnet a CloudWatch Logs endpoint or a NAT gateway, and check that the log group exists.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="logs-denied",
        general=("logs-failed",),
        when=_LOGS + DENIED,
        cause="The execution role may not create the task's log stream or log group.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Allow the execution role logs:CreateLogStream and logs:PutLogEvents (logs:CreateLogGroup if it must).",
        page=pages.INIT,
    ),
    TerminationRule(
        id="logs-group-missing",
        general=("logs-failed",),
        when=_LOGS + r"(?:does not exist|ResourceNotFound)",
        cause="The log group that the task or job definition names does not exist.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Create the log group, or set awslogs-create-group and allow the execution role logs:CreateLogGroup.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="logs-options",
        general=("logs-failed",),
        when=_LOGS + r"(?:is required|unknown log opt|invalid|must specify)",
        cause="The log driver's options in the task or job definition are wrong.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct logConfiguration: the awslogs driver needs a group, a Region and, on Fargate, a stream prefix.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="logs-failed",
        general=("container-not-started", "container-not-created", "init-failed"),
        when=_LOGS,
        cause="The container's log driver could not be set up.",
        blame=Blame.DEPLOYMENT,
        remedy="Check logConfiguration; with awslogs the log group, the execution role and the network path too.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="secrets-throttled",
        general=("secrets-failed",),
        when=_SECRETS + _THROTTLED,
        cause="AWS limited how often the secrets or registry credentials may be read.",
        blame=Blame.AWS,
        remedy="Nothing, if it passes; else start fewer tasks at once or raise the throughput of Parameter Store.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="secrets-unreachable",
        general=("secrets-failed",),
        when=_SECRETS + NETWORK,
        cause="The task's network has no path to the service that holds its secrets or registry credentials.",
        blame=Blame.DEPLOYMENT,
        remedy="Give the subnet a NAT gateway or endpoints for ECR, Secrets Manager and SSM, or assign a public IP.",
        page=pages.CONNECTIVITY,
    ),
    TerminationRule(
        id="secrets-denied",
        general=("secrets-failed",),
        when=_SECRETS + DENIED,
        cause="The execution role may not read a secret, a parameter or the registry credentials.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Allow the execution role to read it: secretsmanager:GetSecretValue, ssm:GetParameters, kms:Decrypt.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="secrets-key",
        general=("secrets-failed",),
        when=_SECRETS + r"(?:DecryptionFailure|can.t decrypt|InvalidKeyId|KMS\w*Exception|KMS key|customer master key)",
        cause="A secret or parameter cannot be decrypted: its KMS key is disabled, about to be deleted, or gone.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Enable the KMS key, or store the secret anew under another; let the execution role use kms:Decrypt.",
        page=pages.DECRYPTION,
    ),
    TerminationRule(
        id="secrets-missing",
        general=("secrets-failed",),
        when=_SECRETS
        + r"(?:ResourceNotFound|ParameterNotFound|InvalidParameter|invalid (?:ssm )?parameters|can.t find|not found|"
        r"did not contain json key|invalid character|invalid schema|malformed|marked for deletion)",
        cause="A secret or parameter that the task or job definition names does not exist, or lacks the named key.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct the valueFrom of the secret in the task definition, or create the secret or its key.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="secrets-failed",
        general=("init-failed", "container-settings"),
        when=_SECRETS,
        cause="The task's secrets or registry credentials could not be read.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the secret's ARN, the execution role's permissions and the network path to it.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="secret-not-found",
        when=r"ResourceNotFoundException",
        cause="Something that the task definition names, usually a secret, does not exist.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct the name or ARN in the task definition, or create what it names.",
        page=pages.RESOURCE_NOT_FOUND,
    ),
    TerminationRule(
        id="env-file-unreachable",
        general=("env-file-failed",),
        when=_INIT + _ENV_FILE + NETWORK,
        cause="The task's network has no path to Amazon S3, where its environment file is.",
        blame=Blame.DEPLOYMENT,
        remedy="Give the subnet a gateway endpoint for Amazon S3 or a NAT gateway.",
        page=pages.ENV_FILES,
    ),
    TerminationRule(
        id="env-file-denied",
        general=("env-file-failed",),
        when=rf"(?:{_INIT}{_ENV_FILE}|unable to download env file .*, error: .*){DENIED}",
        cause="The execution role may not read the environment file, or there is none: Amazon S3 answers 403 to both.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Allow the execution role s3:GetObject on the file and s3:GetBucketLocation; check that it exists.",
        page=pages.ENV_FILES,
    ),
    TerminationRule(
        id="env-file-missing",
        general=("env-file-failed",),
        when=_INIT + _ENV_FILE + r"(?:NoSuchKey|NoSuchBucket|NotFound|not found|\b404\b)",
        cause="The environment file that the task definition names is not in Amazon S3.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct environmentFiles in the task definition, or upload the file.",
        page=pages.ENV_FILES,
    ),
    TerminationRule(
        id="env-file-failed",
        general=("init-failed",),
        when=_INIT
        + _ENV_FILE
        + r"|unable to download env file|environment ?file resource: |specified in environmentFile|envfile resource",
        cause="The environment file in Amazon S3 could not be read.",
        blame=Blame.DEPLOYMENT,
        remedy="Check environmentFiles, the execution role's s3:GetObject and the path to Amazon S3.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="volume-denied",
        general=("volume-failed",),
        when=_VOLUMES + r"(?:access denied|permission denied|not authorized|No such file or directory)",
        cause="The file system refused the mount, or lacks the directory to be mounted.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Check the file system's policy, the access point, the task role and that the root directory exists.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="volume-unreachable",
        general=("volume-failed",),
        when=_VOLUMES + r"(?:timed? ?out|timeout|Failed to resolve|DNS|" + NETWORK + ")",
        cause="The file system was out of reach of the task's network.",
        blame=Blame.DEPLOYMENT,
        remedy="Open TCP 2049 from the task to the mount targets, and have one in the task's Availability Zone.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="volume-failed",
        general=("init-failed",),
        when=_VOLUMES,
        cause="A volume of the task could not be set up.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the task definition's volumes, the mount targets and the security groups.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="ebs-role",
        when=r"ECS Infrastructure Role",
        cause="Amazon ECS could not assume the infrastructure role that makes the task's EBS volume.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the role's trust policy and rights, and iam:PassRole; a new role takes a moment to be known.",
        page=pages.EBS,
    ),
    TerminationRule(
        id="ebs-key",
        general=("ebs-failed",),
        when=r"EBS volume.*IdempotentParameterMismatch",
        cause="The EBS volume could not be encrypted: the KMS key does not exist, or the role may not use it.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct kmsKeyId in volumeConfigurations, or let the infrastructure role use the key.",
        page=pages.EBS,
    ),
    TerminationRule(
        id="ebs-timeout",
        when=r"timed out while configuring the EBS volume",
        cause="The EBS volume was not mounted in time: usually its file system is not the one that was asked for.",
        blame=Blame.DEPLOYMENT,
        remedy="Set filesystemType in volumeConfigurations to what the snapshot has and the task's system can mount.",
        page=pages.EBS,
    ),
    TerminationRule(
        id="ebs-failed",
        when=r"failed to set up the EBS volume",
        cause="The task's EBS volume could not be set up.",
        blame=Blame.DEPLOYMENT,
        remedy="Read the message: it names the EC2 error; check volumeConfigurations and the EBS quotas.",
        page=pages.EBS,
    ),
)

#: Where no more is known than that it could not be set up; of a container that could not be, more is (`ecs_container`).
OTHERS: Final = (
    TerminationRule(
        id="init-interface",
        general=("init-failed",),
        when=_INIT + r"(?:configure ENI|setup regular eni|netplugin)|ContainerNetworkingError",
        cause="The task's network interface was attached, but could not be set up on the host.",
        blame=Blame.AWS,
        remedy="Run the task again; open a support case if it repeats.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="init-unreachable",
        general=("init-failed",),
        when=_INIT + r"(?:" + NETWORK + r"|route|DNS)",
        cause="The task's network has no path to an AWS service that it needs in order to start.",
        blame=Blame.DEPLOYMENT,
        remedy="Check route tables, DNS resolution of the VPC, security groups and VPC endpoints.",
        page=pages.CONNECTIVITY,
    ),
    TerminationRule(
        id="init-denied",
        general=("init-failed",),
        when=_INIT + DENIED,
        cause="The execution role may not read something that the task needs in order to start.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Allow the execution role what the message names.",
        page=pages.INIT,
    ),
    TerminationRule(
        id="init-failed",
        when=r"ResourceInitializationError",
        cause="Something that the task needs before its containers start could not be set up.",
        blame=Blame.DEPLOYMENT,
        remedy="Read the message: it names the resource; check the execution role and the network path to it.",
        page=pages.INIT,
    ),
)
