"""Why an image could not be pulled. The strings are those of AWS's page, the ECS agent, docker and containerd.

Fargate cuts long messages off: a rule must recognise the beginning of a message too.
"""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, StopRule
from aws_exec.lifecycle.policy import Replacement

_PULL: Final = r"CannotPull.*"

#: Words of a broken network path, in the spellings of Go's net package, the AWS SDK and ECS itself.
NETWORK: Final = (
    r"(?:i/o timeout|dial tcp|no such host|no route to host|connection (?:refused|reset|timed out|issue)|"
    r"request cancell?ed|context cancell?ed|canceled, context|deadline exceeded|TLS handshake|unexpected EOF|"
    r"network configuration|Client\.Timeout|send request failed|signal: killed|name resolution)"
)

#: Words of a missing permission. An HTTP status comes after a space: after a colon stands an image's tag.
DENIED: Final = (
    r"(?:Access ?Denied|not authorized|unauthorized|denied|forbidden|(?<=[ (])40[13]\b|no basic auth|"
    r"permissions to pull)"
)

RULES: Final = (
    StopRule(
        id="pull-rate-limited",
        when=_PULL + r"(?:toomanyrequests|too many requests|pull rate limit|rate exceeded|(?<=[ (])429\b)",
        cause="The image registry limits how often images may be pulled, and the limit is used up.",
        blame=Blame.DEPLOYMENT,
        remedy="Copy the image to Amazon ECR, use a pull-through cache, or pull with a registry account.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-wrong-platform",
        when=_PULL
        + r"(?:descriptor matching platform|no matching manifest|no match for platform|platform.*does not match)",
        cause="The image was not built for the CPU architecture that the task runs on.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Build the image for that platform, or set runtimePlatform in the task definition to the image's.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-disk-full",
        when=_PULL + r"(?:no space left on device|disk quota exceeded)",
        cause="The disk was full before the image was pulled.",
        blame=Blame.DEPLOYMENT,
        remedy="Enlarge the task's ephemeral storage or the host's volume, or make the image smaller.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-broken-image",
        when=_PULL + r"(?:mismatched image rootfs|layers and diffIDs don.t match|no processor for media.type)",
        cause="The registry hands the image out, but the host cannot unpack it: its layers do not fit its "
        "configuration, or are none.",
        blame=Blame.DEPLOYMENT,
        remedy="Build and push the image anew, without attestations "
        "(docker buildx build --provenance=false --sbom=false).",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-layers-unreachable",
        when=_PULL + r"(?:failed to copy|httpReaderSeeker|pull command failed: panic)",
        cause="The image's layers could not be downloaded, usually because Amazon S3 is out of reach.",
        blame=Blame.DEPLOYMENT,
        remedy="Let the subnet and security group reach Amazon S3: gateway endpoint and route, or NAT.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-unreachable",
        when=_PULL + NETWORK,
        cause="The task's network has no path to the image registry.",
        blame=Blame.DEPLOYMENT,
        remedy="Assign a public IP in a public subnet, or give the private one a NAT gateway or ECR and S3 endpoints.",
        page=pages.CONNECTIVITY,
    ),
    StopRule(
        id="pull-denied",
        when=_PULL + DENIED,
        cause="The registry refused to hand out the image.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Allow the task execution role (on EC2: the instance role) to pull it, and check the image's name.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-not-found",
        when=_PULL
        + r"(?:not found|manifest unknown|name unknown|does not exist|no such image|invalid ref|normalize image ref|"
        r"(?<=[ (])404\b|nosuchkey)",
        cause="The image, or its tag, does not exist in the registry.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Correct the image in the task or job definition, or push the tag that it names.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-configuration",
        when=_PULL + r"error pulling image conf",
        cause="The registry limited the rate of pulls, or the network failed while the image was pulled.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the network path to the registry and its rate limit; it may pass on its own.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-unresolved",
        when=_PULL + r"failed to resolve ref",
        cause="The registry did not resolve the image's name and tag.",
        blame=Blame.DEPLOYMENT,
        remedy="Check that the image and tag exist, that the execution role may pull it, and the path to the registry.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-api-error",
        when=_PULL + r"API error",
        cause="The image registry's endpoint answered with an error.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the network path to the registry and the permissions of the execution role.",
        page=pages.PULL,
    ),
    StopRule(
        id="pull-failed",
        when=r"CannotPull",
        cause="The image could not be pulled.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the image's name and tag, the execution role's permissions and the path to the registry.",
        page=pages.PULL,
    ),
)
