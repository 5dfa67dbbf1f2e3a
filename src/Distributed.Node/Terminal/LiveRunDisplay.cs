using System.Collections.Concurrent;
using Distributed.Node.Runs;
using Spectre.Console;

namespace Distributed.Node.Terminal;

/// <summary>
/// A block of lines that is drawn over itself, on a thread of its own so that a slow terminal never holds up a run; steps it has no time for
/// are skipped. Notices stay above the block.
/// </summary>
internal sealed class LiveRunDisplay : IRunDisplay
{
    private const int QueueLength = 256;
    private static readonly TimeSpan LongestClose = TimeSpan.FromSeconds(5);

    private readonly IAnsiConsole console;
    private readonly RunTitle title;
    private readonly BlockingCollection<object> queue = new(QueueLength);
    private readonly RunHistory history = new();
    private readonly Thread drawer;

    public LiveRunDisplay(IAnsiConsole console, RunTitle title)
    {
        this.console = console;
        this.title = title;
        AppDomain.CurrentDomain.ProcessExit += ShowCursor;
        drawer = new Thread(Draw) { IsBackground = true, Name = "display" };
        drawer.Start();
    }

    public void Show(StepReport report) => queue.TryAdd(report);

    // A notice waits for room: it must not be missed.
    public void Notice(string line) => queue.TryAdd(line, (int)LongestClose.TotalMilliseconds);

    public void Dispose()
    {
        queue.CompleteAdding();
        if (drawer.Join(LongestClose))
        {
            queue.Dispose();
        }
        AppDomain.CurrentDomain.ProcessExit -= ShowCursor;
    }

    private void Draw()
    {
        try
        {
            console.Live(RunBlock.Render(title, history))
                .AutoClear(false)
                .Overflow(VerticalOverflow.Ellipsis)
                .Start(live =>
                {
                    live.Refresh();
                    foreach (var item in queue.GetConsumingEnumerable())
                    {
                        Take(item);
                        while (queue.TryTake(out var more))
                        {
                            Take(more);
                        }
                        live.UpdateTarget(RunBlock.Render(title, history));
                    }
                });
        }
        catch (IOException)
        {
            // The terminal is gone; the run goes on and the run folder has everything.
            foreach (var _ in queue.GetConsumingEnumerable())
            {
            }
        }
    }

    private void Take(object item)
    {
        if (item is StepReport report)
        {
            history.Add(report);
        }
        else
        {
            // The notice is written over the block, which is then drawn again below: cover whole lines.
            var text = (string)item;
            var width = Math.Max(1, console.Profile.Width);
            console.MarkupLineInterpolated($"[yellow]{text.PadRight((text.Length + width - 1) / width * width)}[/]");
        }
    }

    // Drawing hides the cursor; a process that ends in mid-run must give it back.
    private void ShowCursor(object? sender, EventArgs e) => console.Cursor.Show();
}
