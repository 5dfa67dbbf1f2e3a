namespace Distributed.Engine.Generation;

/// <summary>An open sequence's place in the generation loop. All of it belongs to the loop's lock, but the cache belongs to the worker while a turn is under way.</summary>
internal sealed class SequenceSlot
{
    public SequenceSlot(long sequence)
    {
        Cache = new SequenceCache(sequence);
        Idle = new LinkedListNode<SequenceSlot>(this);
    }

    public SequenceCache Cache { get; }

    /// <summary>Tokens of its first request: what other rollouts of the same prompt begin with too.</summary>
    public int PromptLength { get; set; }

    /// <summary>A turn of it is ready or under way.</summary>
    public bool IsBusy { get; set; }

    /// <summary>A turn of it has begun: its pages cannot be taken away.</summary>
    public bool IsUnderWay { get; set; }

    /// <summary>It was released: its turns fail, its pages go back.</summary>
    public bool IsReleased { get; set; }

    /// <summary>Turns that wait for the one before.</summary>
    public Queue<Turn> Waiting { get; } = new();

    /// <summary>Its place in the list of idle sequences, least recently used first; in the list while it holds pages and no turn of it is under way; once released, in that of remembered prompts.</summary>
    public LinkedListNode<SequenceSlot> Idle { get; }
}
