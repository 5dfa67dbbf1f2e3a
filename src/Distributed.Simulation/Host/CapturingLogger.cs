using Akka.Event;

namespace Distributed.Simulation.Host;

/// <summary>Swallows what Akka says to standard output; errors reach the simulation through the event stream.</summary>
public sealed class CapturingLogger : MinimalLogger
{
    /// <inheritdoc/>
    protected override void Log(object message) { }
}
