// ActorLog: passes Akka's own warnings and errors on to the people watching. Owns nothing; may lose lines in a crash.
using Akka.Actor;
using Akka.Event;

namespace Distributed.Fabric.Local;

/// <summary>Hands warnings and errors of the actor system to a notice sink.</summary>
public sealed class ActorLog(Action<string> notice) : UntypedActor
{
    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(Warning));
        Context.System.EventStream.Subscribe(Self, typeof(Error));
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Error error: notice($"{error.Message}{(error.Cause == null ? "" : ": " + error.Cause.GetBaseException().Message)}"); break;
            case Warning warning: notice($"{warning.Message}"); break;
            default: Unhandled(message); break;
        }
    }
}
