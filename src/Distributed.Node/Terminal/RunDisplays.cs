using Distributed.Node.Runs;

namespace Distributed.Node.Terminal;

/// <summary>Chooses how a run is shown.</summary>
public static class RunDisplays
{
    private const int NarrowestBlock = 72;

    /// <summary>A live block if standard output is a terminal that can redraw, else plain lines.</summary>
    public static IRunDisplay Create(RunTitle title)
    {
        var console = StandardOutput.Open();
        var live = !Console.IsOutputRedirected
            && console.Profile.Capabilities.Ansi
            && console.Profile.Capabilities.Interactive
            && console.Profile.Width >= NarrowestBlock;
        return live ? new LiveRunDisplay(console, title) : new PlainDisplay(Console.Out, title, TimeProvider.System);
    }
}
