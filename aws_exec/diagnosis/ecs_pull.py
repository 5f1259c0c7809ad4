"""The rules for image pulls. The strings are those of AWS's page, the ECS agent, docker and containerd.

"ref pull has been retried", "failed to copy", "httpReadSeeker" (AWS also writes httpReaderSeeker), "API error (500)"
and "error pulling image configuration" name the step that failed, never the cause. The status decides, then the host
and the path, then the words of a broken network path. The rules for a step come last.

AWS cuts long messages off: a rule must recognise the beginning of a message too.
"""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, TerminationRule
from aws_exec.lifecycle.policy import Replacement

_PULL: Final = r"CannotPull.*"

#: Words of a broken network path, in the spellings of Go's net package, the AWS SDK and ECS itself.
NETWORK: Final = (
    r"(?:i/o timeout|\bdial [tu]|no such host|no route to host|connection (?:refused|reset|timed out|iss)|"
    r"request cancell?ed|context cancell?ed|canceled, context|deadline exceeded|TLS handshake|unexpected EOF|"
    r"network configuration|Client\.Timeout|send request failed|signal: kil|name resolution)"
)

#: Words of a missing permission, but not as a part of a name. An HTTP status comes after a space: after a colon stands
#: an image's tag.
DENIED: Final = (
    r"(?:Access ?Denied|not authorized|(?<![\w/:-])(?:unauthorized|denied|forbidden)(?![\w-])|(?<=[ (])40[13]\b|"
    r"no basic auth|permissions to pull)"
)

#: The domains of AWS's hosts in each of its partitions (botocore's `partitions.json`; a test compares them).
_DOMAINS: Final = r"(?:amazonaws\.(?:com|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
#: Amazon ECR keeps the layers in Amazon S3, in buckets of this name, and redirects to them.
_S3: Final = rf"(?:starport-layer-bucket|\bs3[.-][\w.-]*\b{_DOMAINS})"

#: Docker Hub refused a manifest, and AWS cut the message off before the status. Docker Hub counts the downloads of
#: manifests; the name was resolved before (a HEAD request, which is free), so that the image exists and may be pulled.
_DOCKER_HUB_REFUSED: Final = (
    r"unexpected status code \S*docker\.io/v2/\S+/manifests/\S*?(?:: ?4?2?)?[. ]*(?m:$)|"
    r"inspect image has been retried.*unexpected status code \S*docker\.io(?:/\S*|\.\.\.(?:: 4?)?[. -]*)(?m:$)"
)

#: The rules for the step that failed: they match a message whose cause AWS cut off.
_STEPS: Final = (
    "pull-request-failed",
    "pull-layers-failed",
    "pull-configuration",
    "pull-unresolved",
    "pull-api-error",
    "pull-failed",
)

RULES: Final = (
    TerminationRule(
        id="pull-rate-limited",
        general=_STEPS,
        when=_PULL + r"(?:toomanyrequests|too many requests|pull rate limit|rate exceeded|(?<=[ (])429\b|"
        rf"{_DOCKER_HUB_REFUSED})",
        cause="The image registry limits how often images may be pulled, and the limit is used up.",
        blame=Blame.DEPLOYMENT,
        remedy="Copy the image to Amazon ECR, use a pull-through cache, or pull with a registry account.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-wrong-platform",
        general=_STEPS,
        when=_PULL
        + r"(?:descriptor matching plat|no matching manifest|no match for platform|platform.*does not match)",
        cause="The image was not built for the CPU architecture that the task runs on.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Build the image for that platform, or set runtimePlatform in the task definition to the image's.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-disk-full",
        general=_STEPS,
        when=_PULL + r"(?:no space left|disk quota exceeded|Thin Pool has \S+ free data blocks)",
        cause="The disk was full before the image was pulled.",
        blame=Blame.DEPLOYMENT,
        remedy="Enlarge the task's ephemeral storage or the host's volume, or make the image smaller.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-broken-image",
        general=_STEPS,
        when=_PULL + r"(?:mismatched image root|layers and diffIDs don.t|no processor for media|get stream processor)",
        cause="The registry hands the image out, but the host cannot unpack it: its layers do not fit its "
        "configuration, or are none.",
        blame=Blame.DEPLOYMENT,
        remedy="Build and push the image anew, without attestations "
        "(docker buildx build --provenance=false --sbom=false).",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-layers-denied",
        general=_STEPS,
        when=_PULL + _S3 + r".*(?:(?<=[ (])403\b|Access ?Denied)",
        cause="Amazon S3 refused to hand out the image's layers, usually because of the policy of a VPC endpoint.",
        blame=Blame.DEPLOYMENT,
        remedy="Allow s3:GetObject on the bucket that the message names in the policy of the Amazon S3 endpoint.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-registry-error",
        general=_STEPS,
        when=_PULL + r"unexpected (?:HTTP )?status\b.*(?<=[ (])5\d\d\b",
        cause="The image registry, or the storage of its layers, answered with an error of its own.",
        blame=Blame.UNKNOWN,
        remedy="Nothing, if it passes; else look at the registry's status page, or copy the image to Amazon ECR.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-certificate",
        general=_STEPS,
        when=_PULL + r"(?:x509: |failed to verify certificate|server gave HTTP response to HTTPS client)",
        cause="The secure connection to the registry failed: its certificate is not trusted, or it speaks plain HTTP.",
        blame=Blame.DEPLOYMENT,
        remedy="Give the registry a certificate that the host trusts, or copy the image to Amazon ECR.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-layers-unreachable",
        general=("pull-unreachable", *_STEPS),
        # Where only the image's name is left of it: Amazon ECR had resolved the name before, Amazon S3 has the layers.
        when=_PULL + rf"(?:failed to do request.*{_S3}|{_S3}.*{NETWORK}|"
        r"dkr\.ecr\..*failed to copy: \w+: failed open: failed to do request\W*(?m:$)|pull command failed: panic)",
        cause="The image's layers could not be downloaded, usually because Amazon S3 is out of reach.",
        blame=Blame.DEPLOYMENT,
        remedy="Let the subnet and security group reach Amazon S3: gateway endpoint and route, or NAT.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-unreachable",
        general=_STEPS,
        when=rf"{_PULL}{NETWORK}|Could not reach any registry",
        cause="The task's network has no path to the image registry.",
        blame=Blame.DEPLOYMENT,
        remedy="Assign a public IP in a public subnet, or give the private one a NAT gateway or ECR and S3 endpoints.",
        page=pages.CONNECTIVITY,
    ),
    TerminationRule(
        id="pull-denied",
        general=_STEPS,
        # If the agent adds "Check whether the image exists", docker's "denied" means that it does not.
        when=r"CannotPull(?!.*Check whether the image exists).*" + DENIED,
        cause="The registry refused to hand out the image.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Allow the task execution role (on EC2: the instance role) to pull it, and check the image's name.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-no-registry",
        # containerd's words; they end with `not found`, which is not about the image.
        general=_STEPS,
        when=_PULL + r"unexpected media type text/",
        cause="What answered for the registry sent a page of text instead of an image.",
        blame=Blame.DEPLOYMENT,
        remedy="Look for a proxy, firewall or login page between the task's subnets and the registry.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-not-found",
        general=_STEPS,
        when=_PULL
        + r"(?:not found|Check whether the image exists|manifest unk|name unknown|does not exist|no such image|"
        r"invalid ref|normalize image ref|(?<=[ (])404\b|nosuchkey)",
        cause="The image, or its tag, does not exist in the registry.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct the image in the task or job definition, or push the tag that it names.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-request-failed",
        # containerd's words if no HTTP answer came; a long address follows, and is often cut off.
        general=_STEPS[1:],
        when=_PULL + r"failed to do request",
        cause="The connection to the image registry, or to the storage of its layers, failed.",
        blame=Blame.DEPLOYMENT,
        remedy="Give the subnet a path to the host in the message: public IP, NAT gateway, or ECR and S3 endpoints.",
        page=pages.CONNECTIVITY,
    ),
    TerminationRule(
        id="pull-layers-failed",
        general=("pull-failed",),
        when=_PULL + r"(?:failed to copy|http\w*Seeker|failed open)",
        cause="The image's manifest or layers could not be downloaded from the registry or from the storage behind it.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the host in the message: Docker Hub limits pulls; the layers of Amazon ECR are in Amazon S3.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-configuration",
        general=("pull-failed",),
        when=_PULL + r"error pulling image conf",
        cause="The registry limited the rate of pulls, or the network failed while the image was pulled.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the network path to the registry and its rate limit; it may pass on its own.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-unresolved",
        general=("pull-failed",),
        when=_PULL + r"failed to resolve ref",
        cause="The registry did not resolve the image's name and tag.",
        blame=Blame.DEPLOYMENT,
        remedy="Check that the image and tag exist, that the execution role may pull it, and the path to the registry.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-api-error",
        general=("pull-failed",),
        when=_PULL + r"API error",
        cause="The image registry's endpoint answered with an error.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the network path to the registry and the permissions of the execution role.",
        page=pages.PULL,
    ),
    TerminationRule(
        id="pull-failed",
        # The others are Kubernetes's, of Batch jobs on Amazon EKS.
        when=r"\b(?:CannotPull|ErrImagePull|ImagePullBackOff|InvalidImageName)",
        cause="The image could not be pulled.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the image's name and tag, the execution role's permissions and the path to the registry.",
        page=pages.PULL,
    ),
)
