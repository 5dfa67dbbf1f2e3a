// CrashWatch: hears of every actor that failed. Promises: a failure that no planned fault explains is a broken promise of the run. Owns nothing.
using Akka.Actor;
using Akka.Event;

namespace Distributed.Simulation.Runs;

/// <summary>Tells planned crashes from others.</summary>
internal sealed class CrashWatch(RunJournal journal) : UntypedActor
{
    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(Error));

    protected override void OnReceive(object message)
    {
        if (message is not Error { Cause: { } cause } error) return;
        var why = cause.GetBaseException();
        if (why is InjectedCrashException || why.Message.StartsWith("simulated:", StringComparison.Ordinal)) return;
        journal.Violate("no actor crashes by itself", $"{error.LogSource.Split('#')[0]}: {why.GetType().Name}: {why.Message}");
        journal.Detail("!", why.StackTrace ?? "");
    }
}
