"""An embedded AWS, for demo, scenarios and tests; never shipped to Lambda.

with Lab.stage("release-then-502", mode="auto") as lab:
    document = lab.run_alarm()
    lab.run_until(minutes=30)
"""

from lab import policies as policies
from lab.loading import load as load
from lab.loading import parse as parse
from lab.loading import scenarios as scenarios
from lab.mailbox import SnsMessage as SnsMessage
from lab.recorder import Call as Call
from lab.runtime import Happening as Happening
from lab.scenario import Scenario as Scenario
from lab.slack import SlackMessage as SlackMessage
from lab.staging import HandlerFailedError as HandlerFailedError
from lab.staging import Lab as Lab
from lab.strict import ScenarioError as ScenarioError
from lab.wire import Fault as Fault
