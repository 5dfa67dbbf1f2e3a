namespace Distributed.Actors.Ports;

/// <summary>
/// Sees every message an actor is about to handle. Production uses <see cref="None"/>; tests and the simulator count and trace
/// with it, and throw from it to crash an actor at a message of their choice.
/// </summary>
public interface IMessageTap
{
    /// <summary>Called first thing for each message; an exception crashes the actor as if its handler had thrown.</summary>
    void Before(string actor, object message);

    /// <summary>Looks at nothing.</summary>
    static IMessageTap None { get; } = new NoTap();

    private sealed class NoTap : IMessageTap
    {
        public void Before(string actor, object message) { }
    }
}
