using System.Globalization;

namespace Distributed.Node.Cluster;

/// <summary>When a node's process that has ended is started again. Pure.</summary>
/// <param name="FirstPause">Pause before the first start again; it doubles with every further one in a row.</param>
/// <param name="LongestPause">Longest pause.</param>
/// <param name="MostInARow">Starts in a row without success after which the node is given up.</param>
/// <param name="MostRefusalsInARow">The same for a node that itself says that it cannot go on.</param>
/// <param name="SteadyAfter">A process that lived so long was a success.</param>
internal sealed record RestartPolicy(TimeSpan FirstPause, TimeSpan LongestPause, int MostInARow, int MostRefusalsInARow, TimeSpan SteadyAfter)
{
    /// <summary>What the launcher uses.</summary>
    public static RestartPolicy Default { get; } = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), 10, 3, TimeSpan.FromSeconds(30));

    /// <summary>Whether an exit code was chosen by the program (it said why) or is a crash or a signal.</summary>
    public static bool IsRefusal(int code) => code == 1;

    /// <summary>How a process ended, in words.</summary>
    public static string Describe(int code) => code switch
    {
        > 128 and < 192 => string.Create(CultureInfo.InvariantCulture, $"was ended by signal {code - 128}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"ended with code {code}"),
    };

    /// <summary>The pause before the node is started again; null: it is given up.</summary>
    /// <param name="inARow">Starts again in a row before this one.</param>
    /// <param name="refusalsInARow">Times in a row it has said that it cannot go on, this one included.</param>
    public TimeSpan? Pause(int inARow, int refusalsInARow)
    {
        if (inARow >= MostInARow || refusalsInARow > MostRefusalsInARow) return null;
        var pause = FirstPause * Math.Pow(2, inARow);
        return pause < LongestPause ? pause : LongestPause;
    }
}
