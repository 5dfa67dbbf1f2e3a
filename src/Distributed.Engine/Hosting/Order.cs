using Distributed.Engine.Generation;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>Whether an order replaces the weights, and what turns under way make of that.</summary>
internal enum WeightChange
{
    /// <summary>It leaves them alone.</summary>
    None,

    /// <summary>No turn may be under way while it runs.</summary>
    BetweenTurns,

    /// <summary>Partial rollouts may be under way; they go on with the new weights.</summary>
    BetweenTokens,
}

/// <summary>A request in the engine's queue.</summary>
internal abstract class Order
{
    /// <summary>Whether it replaces the weights.</summary>
    public virtual WeightChange Change => WeightChange.None;

    /// <summary>Answers that it failed.</summary>
    public abstract void Fail(EngineError error);
}

/// <summary>A turn that came after an order that changes the weights, and waits for it.</summary>
internal sealed class TurnOrder(Turn turn) : Order
{
    public Turn Turn { get; } = turn;

    public override void Fail(EngineError error)
    {
        Turn.Fail(error.Message);
        Turn.Answer(Turn.ToReply());
    }
}

/// <summary>A request to score.</summary>
internal sealed class ScoreOrder(ScoreRequest request, Action<ScoreReply> answer) : Order
{
    public ScoreRequest Request { get; } = request;

    public Action<ScoreReply> Answer { get; } = answer;

    public override void Fail(EngineError error) => Answer(new ScoreReply(default, 0, error));
}

/// <summary>Which of the counters a piece of work belongs to.</summary>
internal enum WorkKind
{
    Score,
    Train,
    Other,
}

/// <summary>Any other request.</summary>
/// <param name="kind">What it counts as.</param>
/// <param name="change">Whether it replaces the weights.</param>
/// <param name="work">Does it and gives the reply and whether that is an error.</param>
/// <param name="failure">The reply for an error.</param>
/// <param name="answer">Takes the reply.</param>
internal sealed class WorkOrder<TReply>(WorkKind kind, WeightChange change, Func<TReply> work, Func<EngineError, TReply> failure, Action<TReply> answer)
    : WorkOrder(kind)
{
    public override WeightChange Change => change;

    public override void Run() => answer(work());

    public override void Fail(EngineError error) => answer(failure(error));
}

/// <summary>An order that is run by itself.</summary>
internal abstract class WorkOrder(WorkKind kind) : Order
{
    public WorkKind Kind { get; } = kind;

    public abstract void Run();
}
